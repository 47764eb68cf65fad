// SPDX-License-Identifier: MIT
// Functions in the language that GLSL and C++ share: the shader runs them on lanes, the test on the host.
// kFunctions of them, uint f<k>(uint a, uint b); only exact operations.
#define FUNCTION_COUNT 16u

// Unsigned arithmetic.
uint f0(uint a, uint b) {
    uint r = a + b * 3u - (a ^ b);
    r = (r << (b & 31u)) | (r >> (a & 15u));
    r += a / (b | 1u) + a % (b | 1u);
    return ~r & (a | b);
}

// Signed arithmetic.
uint f1(uint a, uint b) {
    int x = int(a & 0xffffu) - 30000;
    int y = int(b & 0xffu) - 128;
    int r = x * y + (x >> 3) - y;
    if (y != 0) {
        r += x / y;
    }
    r = r < 0 ? -r : r + 1;
    return uint(r) + uint(max(x, y)) + uint(min(x, y)) + uint(abs(x));
}

// Floats: exact operations only.
uint f2(uint a, uint b) {
    float x = float(a & 0xfffu) * 0.25f - 100.0f;
    float y = float(b & 0xffu) + 0.5f;
    float r = floor(x) + ceil(y) * trunc(x);
    r = max(r, y) - min(x, r) + abs(x);
    if (r > x) {
        r = r * 0.5f;
    }
    return floatBitsToUint(r) + uint(int(x)) + uint(y);
}

// Doubles and 64-bit integers.
uint f3(uint a, uint b) {
    uint64_t x = (uint64_t(a) << 20) + uint64_t(b);
    uint64_t y = x * 0x10001ul ^ (x >> 7);
    double d = double(int(a & 0xffffu)) * 0.125 + double(int(b & 0xffu));
    d = d * d - 3.0;
    if (d > 1000.0 && y > x) {
        y += uint64_t(7u);
    }
    return uint(y) + uint(y >> 32) + uint(int(d));
}

// Nested loops with break and continue.
uint f4(uint a, uint b) {
    uint r = 0u;
    for (uint i = 0u; i < (a & 15u); ++i) {
        if (i == (b & 7u)) {
            continue;
        }
        for (uint j = 0u; j < 10u; ++j) {
            if (j * i > (a & 63u)) {
                break;
            }
            if (((i + j) & 3u) == 1u) {
                continue;
            }
            r = r * 3u + j;
        }
        r ^= i;
        if (r > 0xf0000000u) {
            break;
        }
    }
    return r;
}

// Early returns out of nested control flow.
uint f5(uint a, uint b) {
    uint r = b;
    for (uint i = 0u; i < 20u; ++i) {
        if (i == (a & 31u)) {
            return r + 1u;
        }
        uint j = i;
        while (true) {
            r += j;
            if ((r & 255u) == 77u) {
                return r * 2u;
            }
            if (j == 0u) {
                break;
            }
            j >>= 1u;
        }
    }
    return r;
}

// Switch with fall-through, inside a loop.
uint f6(uint a, uint b) {
    uint r = 1u;
    for (uint i = 0u; i < 8u; ++i) {
        switch ((a >> i) & 7u) {
        case 0u:
            r += 3u;
        case 1u:
            r *= 5u;
            break;
        case 2u:
            continue;
        case 3u:
        case 4u:
            if ((b & 1u) != 0u) {
                break;
            }
            r ^= 0x55u;
        case 5u:
            r -= i;
            break;
        default:
            r = (r << 1) | (r >> 31);
        }
        r += i;
    }
    return r;
}

// A private array with varying indices.
uint f7(uint a, uint b) {
    uint t[16];
    for (uint i = 0u; i < 16u; ++i) {
        t[i] = a * i + b;
    }
    for (uint i = 0u; i < 32u; ++i) {
        uint k = (a + i * b) & 15u;
        t[k] = t[(k + b) & 15u] ^ (t[(k * 7u) & 15u] + i);
    }
    uint r = 0u;
    for (uint i = 0u; i < 16u; ++i) {
        r = r * 31u + t[i];
    }
    return r;
}

// do-while, a loop that lanes leave at very different times, and values carried out of it.
uint f8(uint a, uint b) {
    uint n = (a & 0xffu) + 1u;
    uint steps = 0u;
    uint top = 0u;
    do {
        n = (n & 1u) == 0u ? n / 2u : n * 3u + 1u;
        top = max(top, n);
        ++steps;
        if (steps > 150u) {
            break;
        }
    } while (n != 1u);
    return steps * 1000u + top + (b & 1u) * n;
}

// Swapped loop variables: parallel copies with cycles.
uint f9(uint a, uint b) {
    uint x = a, y = b, z = a ^ b;
    for (uint i = 0u; i < (b & 15u); ++i) {
        uint t = x;
        x = y;
        y = z;
        z = t + i;
    }
    return x + y * 3u + z * 7u;
}

// Deep nesting.
uint f10(uint a, uint b) {
    uint r = 0u;
    if ((a & 1u) != 0u) {
        if ((a & 2u) != 0u) {
            if ((b & 1u) != 0u) {
                r = 1u;
                for (uint i = 0u; i < (b & 7u); ++i) {
                    if ((a & (1u << i)) != 0u) {
                        r += i;
                    } else if ((b & (2u << i)) != 0u) {
                        r *= 3u;
                    } else {
                        r -= 1u;
                    }
                }
            } else {
                r = 2u;
            }
        } else {
            r = b;
        }
    } else if (a > b) {
        r = a - b;
    } else {
        for (;;) {
            r += 5u;
            if (r > (b & 127u)) {
                break;
            }
        }
    }
    return r;
}

// Booleans as values.
uint f11(uint a, uint b) {
    bool p = (a & 4u) != 0u;
    bool q = a < b;
    bool s = p != q;
    for (uint i = 0u; i < 5u; ++i) {
        bool t = p;
        p = q && !s;
        q = s || t;
        s = t != q;
    }
    return uint(p) + uint(q) * 2u + uint(s) * 4u + (p || (q && s) ? 100u : 200u);
}

// Bits.
uint f12(uint a, uint b) {
    return uint(bitCount(a)) + uint(findLSB(a | 0x100u)) * 3u + uint(findMSB(b | 1u)) * 5u +
           bitfieldReverse(a) + bitfieldExtract(b, 5, 7);
}

// Mixed widths: conversions there and back.
uint f13(uint a, uint b) {
    float f = float(int(a & 0xffffu) - 0x8000);
    double d = double(f) / 4.0;
    int64_t l = int64_t(int(b & 0xffffu)) - int64_t(40000);
    l = l * l / int64_t(3);
    uint64_t u = uint64_t(l) << 3;
    return uint(int(f)) + uint(int(d)) + uint(u) + uint(u >> 32) + uint(l < int64_t(100) ? 1u : 0u);
}

// A loop nest where the inner loop's exit leaves both.
uint f14(uint a, uint b) {
    uint found = 0u;
    bool done = false;
    for (uint i = 1u; i < 12u && !done; ++i) {
        for (uint j = i; j < 12u; ++j) {
            if (i * j == (a & 63u)) {
                found = i * 100u + j;
                done = true;
                break;
            }
        }
    }
    return done ? found : b;
}

// Uniform loops around varying ones, with a switch on the uniform counter.
uint f15(uint a, uint b) {
    uint r = a;
    for (uint i = 0u; i < 6u; ++i) {
        switch (i) {
        case 0u:
            r += b;
            break;
        case 3u:
            while (r > 1000u) {
                r /= 3u;
            }
            break;
        case 4u:
            if (r < 500u) {
                return r;
            }
        default:
            r ^= i;
        }
    }
    return r + 7u;
}
