//! Ranges of addresses, as go-cidr counts them.

use std::net::{Ipv4Addr, Ipv6Addr};

use num_bigint::{BigInt, Sign};

use super::{
    Function,
    Takes::{Number as ANumber, String as AString},
    argument::{a_string, integer, strings, takes, text, whole},
};
use crate::engine::terraform::{problem::Problem, types::Type, value::Value};

/// The functions of addresses.
pub const FUNCTIONS: &[Function] = &[
    Function::new("cidrhost", &[takes("prefix", AString), takes("hostnum", ANumber)], a_string, |_, arguments, _| {
        let number = integer(&arguments[1])?;
        let network = Network::read(text(&arguments[0])).map_err(invalid)?;
        network.host(&number).map(|address| Value::text(network.spelled(address))).map_err(Problem::broken)
    }),
    Function::new("cidrnetmask", &[takes("prefix", AString)], a_string, |_, arguments, _| {
        let network = Network::read(text(&arguments[0])).map_err(invalid)?;
        if network.bits != 32 {
            let given = text(&arguments[0]);
            return Err(Problem::broken(format!("IPv6 addresses cannot have a netmask: {given}")));
        }
        Ok(Value::text(network.spelled(network.mask())))
    }),
    Function::new(
        "cidrsubnet",
        &[takes("prefix", AString), takes("newbits", ANumber), takes("netnum", ANumber)],
        a_string,
        |_, arguments, _| {
            let new_bits = whole(&arguments[1]).map_err(Problem::broken)?;
            let number = integer(&arguments[2])?;
            let network = Network::read(text(&arguments[0])).map_err(invalid)?;
            network.subnet(new_bits, &number).map(|subnet| Value::text(subnet.to_string())).map_err(Problem::broken)
        },
    ),
    Function::new("cidrsubnets", &[takes("prefix", AString)], strings, |_, arguments, _| subnets(arguments))
        .rest(takes("newbits", ANumber)),
];

fn invalid(why: String) -> Problem {
    Problem::broken(format!("invalid CIDR expression: {why}"))
}

/// A range of addresses of one length of prefix.
#[derive(Clone, Copy)]
struct Network {
    /// The first address; of version 4 in the lowest 32 bits.
    first: u128,
    /// The length of the prefix.
    prefix: u32,
    /// The length of an address: 32 or 128.
    bits: u32,
}

impl Network {
    /// Reads `address/length`, zeros in front of decimal parts allowed, and clears what is behind the prefix.
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("invalid CIDR address: {text}");
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let (address, bits) = match read_v4(address) {
            Some(address) if !address_has_colon(text) => (u128::from(address), 32),
            _ => (address.parse::<Ipv6Addr>().map_err(|_| wrong())?.to_bits(), 128),
        };
        let is_number = !length.is_empty() && length.len() < 6 && length.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = if is_number { length.parse::<u32>().ok() } else { None };
        let prefix = prefix.filter(|prefix| *prefix <= bits).ok_or_else(wrong)?;
        let mut network = Self { first: address, prefix, bits };
        network.first &= network.mask();
        Ok(network)
    }

    fn mask(&self) -> u128 {
        let all = if self.bits == 32 { u128::from(u32::MAX) } else { u128::MAX };
        let host_bits = self.bits - self.prefix;
        all.checked_shr(0).map_or(0, |all| all & all.checked_shl(host_bits).unwrap_or(0))
    }

    fn spelled(&self, address: u128) -> String {
        if self.bits == 32 {
            return Ipv4Addr::from_bits(address as u32).to_string();
        }
        let address = Ipv6Addr::from_bits(address);
        // Go writes an address of version 4 within version 6 as one of version 4.
        match address.to_ipv4_mapped() {
            Some(mapped) => mapped.to_string(),
            None => address.to_string(),
        }
    }

    /// The address of a number in the range; counted from the end for a negative number.
    fn host(&self, number: &BigInt) -> Result<u128, String> {
        let host_bits = self.bits - self.prefix;
        let most = (BigInt::from(1) << host_bits) - 1;
        let mut offset = number.clone();
        if number.sign() == Sign::Minus {
            offset = &most + 1 + number;
        }
        let magnitude = if number.sign() == Sign::Minus { -number - 1_i32 } else { number.clone() };
        if magnitude > most {
            return Err(format!("prefix of {} does not accommodate a host numbered {number}", self.prefix));
        }
        u128::try_from(&offset).map(|offset| self.first | offset).map_err(|_| "the host number is too large".to_owned())
    }

    fn subnet(&self, new_bits: i64, number: &BigInt) -> Result<Self, String> {
        let prefix = i64::from(self.prefix).saturating_add(new_bits);
        let Some(prefix) = u32::try_from(prefix).ok().filter(|prefix| *prefix <= self.bits) else {
            let given = self.prefix;
            return Err(format!("insufficient address space to extend prefix of {given} by {new_bits}"));
        };
        let too_large = || format!("prefix extension of {new_bits} does not accommodate a subnet numbered {number}");
        if new_bits < 0 || number.sign() == Sign::Minus || *number >= BigInt::from(1) << new_bits {
            return Err(too_large());
        }
        let number = u128::try_from(number).map_err(|_| too_large())?;
        let offset = number.checked_shl(self.bits - prefix).unwrap_or(0);
        Ok(Self { first: self.first | offset, prefix, bits: self.bits })
    }
}

fn address_has_colon(text: &str) -> bool {
    text.contains(':')
}

/// Four decimal numbers; unlike elsewhere, zeros may stand in front of them.
fn read_v4(text: &str) -> Option<u32> {
    let mut address = 0_u32;
    let mut count = 0;
    for part in text.split('.') {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = part.trim_start_matches('0');
        let number: u32 = if significant.is_empty() { 0 } else { significant.parse().ok()? };
        if number > 255 {
            return None;
        }
        address = address << 8 | number;
        count += 1;
    }
    (count == 4).then_some(address)
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.spelled(self.first), self.prefix)
    }
}

/// Subnets of the given lengths one after the other, each at the next place that fits it.
fn subnets(arguments: &[Value]) -> Result<Value, Problem> {
    let network = Network::read(text(&arguments[0]))
        .map_err(|why| Problem::argument(0, format!("invalid CIDR expression: {why}")))?;
    let mut found = Vec::with_capacity(arguments.len());
    // The first address that no subnet has taken, counted from the start of the range.
    let mut next = Some(0_u128);
    let mut current = None;
    for (index, argument) in arguments.iter().enumerate().skip(1) {
        let refused = |message: String| Problem::argument(index, message);
        let length = whole(argument).map_err(refused)?;
        if length < 1 {
            return Err(refused("must extend prefix by at least one bit".to_owned()));
        }
        if length > 32 {
            return Err(refused("may not extend prefix by more than 32 bits".to_owned()));
        }
        let prefix = network.prefix + length as u32;
        if prefix > network.bits {
            let protocol = if network.bits == 32 { "IPv4" } else { "IPv6" };
            return Err(refused(format!(
                "would extend prefix to {prefix} bits, which is too long for an {protocol} address"
            )));
        }
        let host_bits = network.bits - prefix;
        let room = network.bits - network.prefix;
        let place = next.and_then(|next| {
            let step = 1_u128.checked_shl(host_bits)?;
            let place = next.checked_add(step - 1)? & !(step - 1);
            (room == 128 || place < 1_u128 << room).then_some((place, step))
        });
        let Some((place, step)) = place else {
            let after = current.map_or_else(String::new, |current: Network| current.to_string());
            return Err(refused(format!(
                "not enough remaining address space for a subnet with a prefix of {prefix} bits after {after}"
            )));
        };
        next = place.checked_add(step);
        let subnet = Network { first: network.first | place, prefix, bits: network.bits };
        current = Some(subnet);
        found.push(Value::text(subnet.to_string()));
    }
    Ok(Value::list(Type::String, found))
}
