"""Read the data files of the lender and of the law, check them, and make domain objects of them."""
