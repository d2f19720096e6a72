"""From what queries give to what templates show: pure, and tested without a browser."""
