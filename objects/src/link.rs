//! CoRE Link Format: what a device registers with and answers Discover with.
