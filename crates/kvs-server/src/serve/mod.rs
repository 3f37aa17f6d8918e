mod secret;
pub(crate) use secret::Secret;
