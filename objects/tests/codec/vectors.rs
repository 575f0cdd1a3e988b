//! Bytes that others wrote down: the examples of the specifications, what clients send, and what must be refused.

mod composite;
mod lwm2m_cbor;
mod lwm2m_json;
mod one_value;
mod senml_cbor;
mod senml_json;
mod senml_rules;
mod tlv;
mod tlv_rules;
