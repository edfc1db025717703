"""Operating-Model Advisor: cited answers from playbooks for leaders who scale industrial AI."""

__version__ = "0.1.0"
