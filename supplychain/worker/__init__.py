"""The pipeline as durable work, done by as many processes as wanted."""
