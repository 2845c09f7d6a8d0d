// Fixed-width integers in a stated byte order, at any alignment. T is an unsigned integer type.
//
// load and store touch exactly sizeof(T) bytes; the caller vouches for them. Compilers turn the
// loops into one move and, where the order differs, one byte swap.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

namespace gatehouse::codec {

template <std::unsigned_integral T>
constexpr T load_little_endian(const char* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<T>(static_cast<uint8_t>(from[i])) << (8 * i));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr T load_big_endian(const char* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |=
        static_cast<T>(static_cast<T>(static_cast<uint8_t>(from[i])) << (8 * (sizeof(T) - 1 - i)));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr void store_little_endian(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<char>(value >> (8 * i));
}

template <std::unsigned_integral T>
constexpr void store_big_endian(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    to[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
}

template <std::unsigned_integral T>
void append_little_endian(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_little_endian(bytes, value);
  out.append(bytes, sizeof(T));
}

template <std::unsigned_integral T>
void append_big_endian(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_big_endian(bytes, value);
  out.append(bytes, sizeof(T));
}

}  // namespace gatehouse::codec
