//! Values to ordered bytes.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::{ABSENT, END, ESCAPE, ESCAPED_ZERO, Error, PRESENT, raw};

pub(super) struct Serializer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// Whether the bytes that come next are in order already.
    pub(super) is_raw: bool,
}

impl Serializer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn escaped(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for (n, part) in bytes.split(|byte| *byte == ESCAPE).enumerate() {
            if n > 0 {
                self.bytes(&[ESCAPE, ESCAPED_ZERO])?;
            }
            self.bytes(part)?;
        }
        self.bytes(&[ESCAPE, END])
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.bytes(&[PRESENT])?;
        value.serialize(self)
    }
}

macro_rules! unsigned {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.bytes(&value.to_be_bytes())
        }
    )*};
}

macro_rules! signed {
    ($($method:ident $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.bytes(&(value ^ <$type>::MIN).to_be_bytes())
        }
    )*};
}

macro_rules! float {
    ($($method:ident $type:ty, $sign:expr);*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            // Adding 0 makes +0 of -0: equal values have equal bytes.
            let bits = (value + 0.0).to_bits();
            let ordered = if bits & $sign == 0 { bits ^ $sign } else { !bits };
            self.bytes(&ordered.to_be_bytes())
        }
    )*};
}

impl serde::Serializer for &mut Serializer<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    unsigned!(serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128);
    signed!(serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128);
    float!(serialize_f32 f32, 1 << 31; serialize_f64 f64, 1 << 63);

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.bytes(&[u8::from(value)])
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_u32(value.into())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.escaped(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        if self.is_raw { self.bytes(value) } else { self.escaped(value) }
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.bytes(&[ABSENT])
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), Error> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.is_raw = name == raw::NAME;
        let done = value.serialize(&mut *self);
        self.is_raw = false;
        done
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.bytes(&index.to_be_bytes())?;
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        self.bytes(&index.to_be_bytes())?;
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Error> {
        self.bytes(&index.to_be_bytes())?;
        Ok(self)
    }
}

impl SerializeSeq for &mut Serializer<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        self.bytes(&[ABSENT])
    }
}

impl SerializeMap for &mut Serializer<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Error> {
        self.bytes(&[ABSENT])
    }
}

/// Tuples and structs: the fields, one after another.
macro_rules! fields {
    ($($trait:ident $method:ident($($name:ident)?)),*) => {$(
        impl $trait for &mut Serializer<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Error> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        }
    )*};
}

fields!(
    SerializeTuple serialize_element(),
    SerializeTupleStruct serialize_field(),
    SerializeTupleVariant serialize_field(),
    SerializeStruct serialize_field(_name),
    SerializeStructVariant serialize_field(_name)
);
