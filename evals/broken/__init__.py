"""Ways to break the product, one function each; evals.mutations tries them and says which judge must notice."""
