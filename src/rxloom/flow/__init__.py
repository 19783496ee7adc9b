"""The flow operators: the nodes of a workflow, one a file."""
