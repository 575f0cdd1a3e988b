//! The LwM2M data model and its codecs
