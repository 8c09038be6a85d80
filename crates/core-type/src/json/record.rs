//! The two macros that generate the types of the model from a list of fields.

/// Generates a record: a struct with optional fields. All other fields of the object go to `extra`.
///
/// `skip` names fields that are skipped and never kept: secrets.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident<$life:lifetime>, $expected:literal $(, skip $skip:literal)* {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal,)*
        }
    ) => {
        $(#[$doc])*
        ///
        /// Every field is optional, because files of other versions lack some fields.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name<$life> {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
            /// Unknown fields, and known fields of an unexpected type.
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
            /// Returns the same value without borrowed data.
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
                $(if let Some(value) = &self.$field
                    && !self.extra.has($key)
                {
                    map.serialize_entry($key, value)?;
                })*
                self.extra.serialize_into(&mut map)?;
                map.end()
            }
        }
    };
}

/// Generates a head: a struct of the few fields that lists and indexes need. All other fields are
/// skipped, and a field of an unexpected type is absent unless it can be converted.
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
            /// Parses the whole of `bytes` into this value. Use it in hot loops: a head is large enough
            /// that moving it takes time. After an error the value is empty.
            ///
            /// Returns the issues of fields that have a wrong type or were converted.
            ///
            /// # Errors
            /// As for [`Parse::parse`](crate::Parse::parse).
            pub fn parse_into(
                &mut self,
                bytes: &$life [u8],
            ) -> Result<Vec<scrollback_core_err::Issue>, Box<scrollback_core_err::Issue>> {
                *self = Self::default();
                let expected = <Self as crate::json::Field>::EXPECTED;
                let parsed = crate::json::parse_with(bytes, expected, |scanner| self.fill(scanner));
                if parsed.is_err() {
                    *self = Self::default();
                }
                parsed.map(|parsed| parsed.issues)
            }

            fn fill(
                &mut self,
                scanner: &mut crate::json::Scanner<$life>,
            ) -> crate::json::ScanResult<Option<()>> {
                scanner.object(|scanner, key| {
                    match &*key.get() {
                        $($key => {
                            crate::json::read_head_field(scanner, $key, &mut self.$field)
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
