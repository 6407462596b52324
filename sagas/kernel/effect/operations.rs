//! The names of operations, written once: each call gives its own, and the whole list is drawn from the same lines.

/// For an `impl` of an enum of calls: `operation`, the name of one, and `operations`, the names of all. Behind `or` stand
/// variants that hold an enum of calls of their own.
macro_rules! operations {
    ($vis:vis match self { $($call:pat => $name:literal,)+ } $(or { $($variant:ident($calls:ty),)+ })?) => {
        /// The operation's name.
        $vis const fn operation(&self) -> &'static str {
            match self {
                $($call => $name,)+
                $($(Self::$variant(call) => call.operation(),)+)?
            }
        }

        /// The names of all operations.
        $vis fn operations() -> Vec<&'static str> {
            [vec![$($name),+] $($(, <$calls>::operations())+)?].concat()
        }
    };
}
