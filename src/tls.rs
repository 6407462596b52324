//! Which of the libraries that could do TLS does it, chosen once for the whole process. Makes no connection and no client.

/// To be called before a client is made that may speak TLS: several libraries may be in the program, and a client that is
/// not told which one to use refuses to be made. The first call chooses; every later one finds the same choice.
pub fn choose() {
    // An error means that the choice was made before: by us, and so the same.
    rustls::crypto::ring::default_provider().install_default().ok();
}
