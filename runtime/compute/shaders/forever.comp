#version 460
layout(std430, binding = 0) buffer Data { volatile uint data[]; };
void main() {
    while (data[0] == 0) {
        data[1] += 1;
    }
}
