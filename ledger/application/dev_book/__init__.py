"""Makes books to develop and measure with: any number of made-up loans, decided by the real domain."""
