"""What was found: records, suppressions, selection, baseline, fixes."""
