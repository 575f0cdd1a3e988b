//! Argon2id over memory that is used again: allocators keep what many threads have had for themselves.
//!
//! How many hash at one time is for the caller to bound; the memory of two is kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

/// OWASP's second choice of parameters: m = 19 456 KiB, t = 2, p = 1.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How much memory waits for the next hash: that of so many.
const KEPT: usize = 2;

static IDLE: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// The hash of a new password. Takes tens of milliseconds and 19 MiB.
pub(super) fn hash(password: &str, salt: &[u8; 16]) -> PasswordHash {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("they are within argon2's bounds");
    let described = ParamsString::try_from(&params).expect("three numbers fit into it");
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let output = digest(&Argon2::new(algorithm, version, params), password, salt, Params::DEFAULT_OUTPUT_LEN);
    PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: described,
        salt: Some(Salt::new(salt).expect("16 bytes are the length that is recommended")),
        hash: Some(output.expect("the parameters are valid, and so is a password of less than 4 GiB")),
    }
}

/// Whether this is the password of an argon2id hash.
pub(super) fn verify(password: &str, kept: &PasswordHash) -> bool {
    let (Some(salt), Some(expected), Ok(params)) = (&kept.salt, &kept.hash, Params::try_from(kept)) else {
        return false;
    };
    let Ok(version) = kept.version.map(Version::try_from).transpose() else { return false };
    let argon = Argon2::new(Algorithm::Argon2id, version.unwrap_or_default(), params);
    // Outputs are compared in constant time.
    digest(&argon, password, salt, expected.len()).is_some_and(|output| output == *expected)
}

fn digest(argon: &Argon2<'_>, password: &str, salt: &[u8], len: usize) -> Option<Output> {
    let blocks = argon.params().block_count();
    let mut memory = idle().pop().unwrap_or_default();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..len)?;
    // The first pass writes each block before it reads it (RFC 9106 §3.2).
    let done = argon.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory);
    let mut idle = idle();
    if idle.len() < KEPT {
        idle.push(memory);
    }
    done.ok().and_then(|()| Output::new(output).ok())
}

fn idle() -> MutexGuard<'static, Vec<Vec<Block>>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::CustomizedPasswordHasher;

    use super::*;

    #[test]
    fn memory_that_was_used_makes_the_same_hash_and_no_more_of_it_is_kept_than_is_said() {
        let salt = [7; 16];
        let first = hash("correct horse battery", &salt).to_string();
        std::thread::scope(|scope| {
            for number in 0..4 {
                scope.spawn(move || hash(&format!("another password {number}"), &[1; 16]));
            }
        });
        assert_eq!(hash("correct horse battery", &salt).to_string(), first);
        assert!(idle().len() <= KEPT);
    }

    #[test]
    fn a_hash_is_the_one_that_is_made_without_memory_of_ours() {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let reference: PasswordHash =
            argon.hash_password_with_params(b"correct horse battery", b"AAAAAAAAAAAAAAAA", params).unwrap();
        let ours = hash("correct horse battery", b"AAAAAAAAAAAAAAAA");
        assert_eq!(ours.to_string(), reference.to_string());
        assert!(verify("correct horse battery", &reference));
        assert!(!verify("correct horse batterx", &reference));
    }

    #[test]
    fn hashes_of_other_parameters_are_still_understood() {
        let params = Params::new(64, 3, 2, Some(24)).unwrap();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let old: PasswordHash = argon.hash_password_with_params(b"password", &[9; 16], params).unwrap();
        assert!(verify("password", &old));
        assert!(!verify("passwore", &old));
    }
}
