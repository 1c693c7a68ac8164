//! Ranges of addresses, as go-cidr counts them.

use core::net::{Ipv4Addr, Ipv6Addr};

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
        let host = network.host(&number)?;
        network.plain(host)?;
        Ok(Value::text(network.spelled(host)))
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
            let subnet = network.subnet(new_bits, &number)?;
            subnet.plain(subnet.first)?;
            Ok(Value::text(subnet.to_string()))
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
            _ => (read_v6(address).ok_or_else(wrong)?, 128),
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

    /// Tells whether Go counts with an address as with any other: where one of version 4 lies within version 6, it does not.
    fn plain(&self, address: u128) -> Result<(), Problem> {
        let is_mapped = |address: u128| self.bits == 128 && address >> 32 == 0xffff;
        if is_mapped(self.first) || is_mapped(address) {
            return Err(Problem::unsupported("addresses of version 4 within version 6"));
        }
        Ok(())
    }

    /// The address of a number in the range; counted from the end for a negative number.
    fn host(&self, number: &BigInt) -> Result<u128, Problem> {
        self.plain(self.first)?;
        let host_bits = self.bits - self.prefix;
        let most: BigInt = (BigInt::from(1) << host_bits) - 1;
        let is_negative = number.sign() == Sign::Minus;
        let offset = if is_negative { &most + 1 + number } else { number.clone() };
        let counted = if is_negative { -number - 1_i32 } else { number.clone() };
        if counted > most && counted >= BigInt::from(1_u64 << 63) {
            return Err(Problem::unsupported("host numbers beyond 63 bits"));
        }
        if counted > most {
            let prefix = self.prefix;
            return Err(Problem::broken(format!("prefix of {prefix} does not accommodate a host numbered {offset}")));
        }
        u128::try_from(&offset)
            .map(|offset| self.first | offset)
            .map_err(|_| Problem::unsupported("host numbers beyond 128 bits"))
    }

    fn subnet(&self, new_bits: i64, number: &BigInt) -> Result<Self, Problem> {
        self.plain(self.first)?;
        let prefix = i64::from(self.prefix).saturating_add(new_bits);
        if prefix > i64::from(self.bits) {
            let given = self.prefix;
            return Err(Problem::broken(format!(
                "insufficient address space to extend prefix of {given} by {new_bits}"
            )));
        }
        let Ok(prefix) = u32::try_from(prefix) else {
            return Err(Problem::unsupported("subnets with a prefix below none"));
        };
        // go-cidr checks the lowest 64 bits alone, without a sign, and of a shorter prefix nothing.
        let most =
            u32::try_from(new_bits).ok().and_then(|bits| 1_u64.checked_shl(bits)).map_or(u64::MAX, |end| end - 1);
        if number.magnitude().iter_u64_digits().next().unwrap_or_default() > most {
            return Err(Problem::broken(format!(
                "prefix extension of {new_bits} does not accommodate a subnet numbered {number}"
            )));
        }
        // A negative number sets all bits above it as well, and then the sign goes.
        let sum = BigInt::from(self.first) | (number << (self.bits - prefix));
        let first = u128::try_from(sum.magnitude()).ok().filter(|first| self.bits == 128 || first >> self.bits == 0);
        let first = first.ok_or_else(|| Problem::unsupported("subnets beyond the last address"))?;
        self.plain(first)?;
        Ok(Self { first, prefix, bits: self.bits })
    }
}

/// Groups of hexadecimal digits; zeros may stand in front of them, more than four digits as well.
fn read_v6(text: &str) -> Option<u128> {
    let significant = |part: &str| match part.trim_start_matches('0') {
        "" if part.is_empty() => String::new(),
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    let group = |group: &str| match group.contains('.') {
        true => group.split('.').map(significant).collect::<Vec<_>>().join("."),
        false => significant(group),
    };
    let spelled = text.split(':').map(group).collect::<Vec<_>>().join(":");
    spelled.parse::<Ipv6Addr>().ok().map(|address| address.to_bits())
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
    network.plain(network.first)?;
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
        if network.first == 0 && index == 1 {
            // Go begins one subnet before the first, which is the very last one here, and then has run over the end.
            let last = Network { first: u128::MAX, prefix, bits: network.bits };
            let last = Network { first: last.mask(), ..last };
            return Err(refused(format!(
                "not enough remaining address space for a subnet with a prefix of {prefix} bits after {last}"
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
