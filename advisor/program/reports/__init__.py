"""The gap summary in each format. Every number comes from the one GapSummary."""
