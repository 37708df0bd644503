"""What ``check`` looks at: small functions, each of which finds what is well and what is not."""
