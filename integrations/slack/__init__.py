"""The Slack door: one app over Socket Mode or signed HTTP."""
