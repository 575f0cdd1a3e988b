//! Muster against clients written by others
