"""Those who do the same work, or less, in another way: what our figures are held against."""
