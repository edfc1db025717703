"""The company's program: recorded, judged against the playbooks, and told."""
