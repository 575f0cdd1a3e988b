//! DTLS clients written by others against the engine: every suite and every way to prove oneself that they have. The table is
//! `DTLS.md`, made by `cargo run -p interop-tests --example dtls > interop-tests/DTLS.md`.

use interop_tests::{Foreign, on_every_cell};

#[test]
fn dimpl_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Dimpl);
}

#[test]
fn leshan_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Leshan);
}

#[test]
fn libcoap_with_gnutls_has_sessions_with_the_engine() {
    on_every_cell(Foreign::LibcoapGnutls);
}

#[test]
fn libcoap_with_openssl_has_sessions_with_the_engine() {
    on_every_cell(Foreign::LibcoapOpenssl);
}

#[test]
fn mbed_tls_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Mbedtls);
}

#[test]
fn openssl_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Openssl);
}

#[test]
fn scandium_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Scandium);
}

#[test]
fn tinydtls_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Tinydtls);
}

#[test]
fn wakaama_has_sessions_with_the_engine() {
    on_every_cell(Foreign::Wakaama);
}

#[test]
fn webrtc_dtls_has_sessions_with_the_engine() {
    on_every_cell(Foreign::WebrtcDtls);
}
