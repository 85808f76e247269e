"""What makes the generated files of the package. For development only: nothing imports it."""
