"""Light, electronics and heat; knows no SCPI."""
