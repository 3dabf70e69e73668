"""The one view of differences."""
