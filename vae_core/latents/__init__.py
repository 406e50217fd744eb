"""One file a kind of latent; each is a module between encoder features and decoder input."""
