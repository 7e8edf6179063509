"""What runs now in an account: which version a service serves, and whether it answers."""
