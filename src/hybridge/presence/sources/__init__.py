"""Where presence comes from: a file per source."""
