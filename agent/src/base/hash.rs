//! Hash tables whose keys strangers choose: seeded at random per process, and never iterated for output.

/// Hasher state with a random seed.
pub type Seeded = foldhash::fast::RandomState;

/// Map with a random seed. Its order is random: sort whatever is shown.
pub type Map<K, V> = hashbrown::HashMap<K, V, Seeded>;
