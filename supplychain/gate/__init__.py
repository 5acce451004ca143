"""Pure judgement: policy documents, rules, and `evaluate` from recorded evidence to a decision."""
