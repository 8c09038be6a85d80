//! The two macros that make the types of the model from a list of fields.

/// Makes a record: a struct whose fields are all optional, with everything else in `extra`.
///
/// `skip` names fields that are read over and never kept: secrets.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime>, $expected:literal $(, skip $skip:literal)* {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal,)*
        }
    ) => {
        $(#[$doc])*
        ///
        /// Every field is optional, as files of other versions lack some.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name<$life> {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
            /// Unknown fields, and known ones of an unexpected type.
            pub extra: crate::json::Extra<$life>,
        }

        impl<$life> crate::json::Record<$life> for $name<$life> {
            const EXPECTED: &'static str = $expected;

            fn fill(
                &mut self,
                scanner: &mut crate::json::Scanner<$life>,
            ) -> Result<Option<()>, crate::json::SyntaxError> {
                scanner.object(|scanner, key| {
                    match &*key.get() {
                        $($key => {
                            crate::json::read_field(scanner, $key, &mut self.$field, &mut self.extra)
                        })*
                        $($skip => scanner.skip_value(),)*
                        _ => {
                            let value = crate::json::RawJson::from_checked(scanner.raw()?);
                            self.extra.push(key.clone(), value);
                            Ok(())
                        }
                    }
                })
            }
        }

        impl<$life> crate::json::Field<$life> for $name<$life> {
            const EXPECTED: &'static str = $expected;

            fn read(
                scanner: &mut crate::json::Scanner<$life>,
            ) -> Result<Option<Self>, crate::json::SyntaxError> {
                let mut record = Self::default();
                Ok(crate::json::Record::fill(&mut record, scanner)?.map(|()| record))
            }
        }

        impl $name<'_> {
            /// The same value, borrowing nothing.
            pub fn into_owned(self) -> $name<'static> {
                $name {
                    $($field: self.$field.map(crate::json::IntoOwned::into_owned),)*
                    extra: crate::json::IntoOwned::into_owned(self.extra),
                }
            }
        }

        impl crate::json::IntoOwned for $name<'_> {
            type Owned = $name<'static>;

            fn into_owned(self) -> $name<'static> {
                self.into_owned()
            }
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;

                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field {
                    map.serialize_entry($key, value)?;
                })*
                self.extra.serialize_into(&mut map)?;
                map.end()
            }
        }
    };
}

/// Makes a head: a struct of the few fields that lists and indexes need. The rest of the text is
/// read over; a field of an unexpected type is absent.
macro_rules! head {
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime> {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name<$life> {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
            life: std::marker::PhantomData<&$life ()>,
        }

        impl<$life> $name<$life> {
            /// Parses the whole of `bytes` to where this one is, which is large enough for moving it
            /// to count. After an error it is empty.
            ///
            /// # Errors
            /// As for [`Parse::parse`](crate::Parse::parse). Nothing else is told of a head.
            pub fn parse_into(
                &mut self,
                bytes: &$life [u8],
            ) -> Result<(), Box<scrollback_core_err::Issue>> {
                *self = Self::default();
                let expected = <Self as crate::json::Field>::EXPECTED;
                let parsed = crate::json::parse_with(bytes, expected, |scanner| self.fill(scanner));
                if parsed.is_err() {
                    *self = Self::default();
                }
                parsed.map(drop)
            }

            fn fill(
                &mut self,
                scanner: &mut crate::json::Scanner<$life>,
            ) -> crate::json::ScanResult<Option<()>> {
                scanner.object(|scanner, key| {
                    match &*key.get() {
                        $($key => {
                            let mark = scanner.mark()?;
                            self.$field = crate::json::Field::read(scanner)?;
                            if self.$field.is_none() {
                                scanner.rewind(&mark);
                                scanner.skip_value()?;
                            }
                            Ok(())
                        })*
                        _ => scanner.skip_value(),
                    }
                })
            }
        }

        impl<$life> crate::json::Field<$life> for $name<$life> {
            const EXPECTED: &'static str = "an object";

            fn read(
                scanner: &mut crate::json::Scanner<$life>,
            ) -> Result<Option<Self>, crate::json::SyntaxError> {
                let mut head = Self::default();
                Ok(head.fill(scanner)?.map(|()| head))
            }
        }
    };
}

pub(crate) use {head, record};
