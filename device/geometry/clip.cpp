// SPDX-License-Identifier: MIT
#include "device/geometry/clip.hpp"

#include <cmath>

namespace kite::dev::geometry {

namespace {

float distance_to(const ClipPlane& plane, const ClipVertex& v) {
    if (plane.user) {
        return plane.distance[0] + v.b1 * (plane.distance[1] - plane.distance[0]) +
               v.b2 * (plane.distance[2] - plane.distance[0]);
    }
    return plane.a * v.x + plane.b * v.y + plane.c * v.z + plane.d * v.w;
}

/// The point between inside vertex a (distance da >= 0) and outside vertex b (db < 0). Always
/// computed from the inside, so that two primitives sharing an edge get the same point.
ClipVertex intersect(const ClipVertex& a, float da, const ClipVertex& b, float db) {
    const float t = da / (da - db);
    ClipVertex p;
    p.x = a.x + t * (b.x - a.x);
    p.y = a.y + t * (b.y - a.y);
    p.z = a.z + t * (b.z - a.z);
    p.w = a.w + t * (b.w - a.w);
    p.b1 = a.b1 + t * (b.b1 - a.b1);
    p.b2 = a.b2 + t * (b.b2 - a.b2);
    float screen = t * b.w / p.w;
    if (!std::isfinite(screen)) {
        screen = t;
    }
    p.l1 = a.l1 + screen * (b.l1 - a.l1);
    p.l2 = a.l2 + screen * (b.l2 - a.l2);
    return p;
}

} // namespace

unsigned clip_polygon(std::span<const ClipPlane> planes, ClipVertex* vertices, unsigned count) {
    ClipVertex other[kMaxClipVertices];
    ClipVertex* from = vertices;
    ClipVertex* to = other;
    for (const ClipPlane& plane : planes) {
        unsigned out = 0;
        float previous = distance_to(plane, from[count - 1]);
        for (unsigned i = 0; i < count; ++i) {
            const ClipVertex& a = from[i == 0 ? count - 1 : i - 1];
            const ClipVertex& b = from[i];
            const float current = distance_to(plane, b);
            const bool a_in = previous >= 0.0f; // false for NaN
            const bool b_in = current >= 0.0f;
            if (a_in != b_in && out < kMaxClipVertices) {
                to[out++] =
                    a_in ? intersect(a, previous, b, current) : intersect(b, current, a, previous);
            }
            if (b_in && out < kMaxClipVertices) {
                to[out++] = b;
            }
            previous = current;
        }
        if (out < 3) {
            return 0;
        }
        count = out;
        ClipVertex* const swap = from;
        from = to;
        to = swap;
    }
    if (from != vertices) {
        for (unsigned i = 0; i < count; ++i) {
            vertices[i] = from[i];
        }
    }
    return count;
}

bool clip_line(std::span<const ClipPlane> planes, ClipVertex* vertices) {
    for (const ClipPlane& plane : planes) {
        const float d0 = distance_to(plane, vertices[0]);
        const float d1 = distance_to(plane, vertices[1]);
        const bool in0 = d0 >= 0.0f;
        const bool in1 = d1 >= 0.0f;
        if (!in0 && !in1) {
            return false;
        }
        if (in0 && !in1) {
            vertices[1] = intersect(vertices[0], d0, vertices[1], d1);
        } else if (!in0) {
            vertices[0] = intersect(vertices[1], d1, vertices[0], d0);
        }
    }
    return true;
}

} // namespace kite::dev::geometry
