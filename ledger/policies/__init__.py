"""What lender and law decide, as data with dates: files that say since when they hold, and the code that reads them."""
