"""How fast a model answers on a GPU: a roofline over what each engine step reads and computes."""
