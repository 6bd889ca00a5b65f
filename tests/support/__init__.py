"""Working fakes, builders and data that several tests share."""
