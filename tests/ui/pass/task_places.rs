//! Tasks in modules, in blocks and in bodies, with the visibility they were given.

#![deny(warnings)]

mod outer {
    pub(crate) mod inner {
        #[atasker::background_task]
        pub(crate) fn shown(x: u8) -> u8 {
            x
        }

        #[atasker::background_task]
        pub(in crate::outer) fn within(x: u8) -> u8 {
            x + super::offset()
        }

        struct Private(u8);

        #[atasker::background_task]
        fn hidden(Private(x): Private) -> Private {
            Private(x)
        }

        pub(crate) fn through() -> u8 {
            hidden::call(Private(1)).0
        }
    }

    fn offset() -> u8 {
        1
    }

    pub(crate) fn through() -> atasker::Result<u8> {
        inner::within::detach(1);
        Ok(inner::within(1).wait()?)
    }
}

use outer::inner::shown;

#[atasker::background_task]
fn outermost(x: u8) -> u8 {
    #[atasker::background_task]
    fn nested(x: u8) -> u8 {
        #[atasker::background_task]
        fn innermost(x: u8) -> u8 {
            x
        }
        innermost::call(x) + 1
    }
    nested::call(x) + nested(x).wait().unwrap()
}

fn main() -> atasker::Result<()> {
    struct Local(u8);

    #[atasker::background_task]
    fn local(x: Local) -> Local {
        x
    }

    if local(Local(1)).wait()?.0 == 1 {
        #[atasker::background_task]
        fn local(x: Local) -> u8 {
            x.0
        }
        assert_eq!(local(Local(2)).wait()?, 2);
    }
    assert_eq!(shown(1).wait()?, 1);
    assert_eq!(shown::call(1), 1);
    assert_eq!(outer::inner::through(), 1);
    assert_eq!(outer::through()?, 2);
    assert_eq!(outermost(1).wait()?, 4);
    Ok(())
}
