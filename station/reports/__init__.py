"""What a finished run looks like on paper and on a screen; all of it is made from the record."""
