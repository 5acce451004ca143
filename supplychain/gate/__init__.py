"""Pure judgement: policy documents, rules, and evaluate(dossier, policy, at) -> Decision."""
