// SPDX-License-Identifier: MIT
// WebGPU through Dawn in Node: node webgpu.mjs FOLDER [PICTURE.ppm]
//
// FOLDER is where npm installed the package "webgpu". Runs every case, prints "ok NAME" or
// "not ok NAME: WHY" for each and the adapter's description first; exit status 1 if one failed.
// An error of WebGPU's own validation or a lost device fails the case it came in.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const entry = path.join(process.argv[2], 'node_modules/webgpu/index.js');
const { create, globals } = await import(pathToFileURL(entry));
Object.assign(globalThis, globals);
const gpu = create(['backend=vulkan', 'enable-dawn-features=allow_unsafe_apis']);
const FEATURES = ['shader-f16', 'subgroups', 'timestamp-query', 'float32-filterable',
  'texture-compression-bc', 'indirect-first-instance', 'depth-clip-control',
  'dual-source-blending'];

const adapter = await gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
console.log(`adapter: ${adapter.info.device} ${adapter.info.description}`);
const device = await adapter.requestDevice({ requiredFeatures: FEATURES });
const lost = [];
device.lost.then((info) => lost.push(info.message));

function expect(found, wanted, what) {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`);
}

function near(found, wanted, slack, what) {
  if (!(Math.abs(found - wanted) <= slack)) throw new Error(`${what}: ${found}, not ${wanted}`);
}

function buffer(data, usage) {
  const made = device.createBuffer({ size: data.byteLength, usage: usage | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(made, 0, data);
  return made;
}

async function read(source, Type) {
  const staging = device.createBuffer({
    size: source.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, staging, 0, source.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const copy = new Type(staging.getMappedRange().slice(0));
  staging.unmap();
  return copy;
}

const STORAGE = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;

/** Runs a compute shader over buffers bound at 0, 1, ...; returns the pipeline. */
function dispatch(code, buffers, groups, more = {}) {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, ...more } });
  const bind = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((one, binding) => ({ binding, resource: { buffer: one } })) });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass(more.timestampWrites ?
    { timestampWrites: more.timestampWrites } : {});
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bind);
  if (typeof groups === 'number') pass.dispatchWorkgroups(groups);
  else pass.dispatchWorkgroupsIndirect(groups, 0);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

const SIZE = 64;  // of the pictures; a row of 256 bytes, as copies want it

/** Draws into a picture of SIZE x SIZE and returns its RGBA bytes. */
async function draw({ code, samples = 1, format = 'rgba8unorm', vertices = 3, depth, setup,
                      primitive = {}, blend, instances = 1 }) {
  const module = device.createShaderModule({ code });
  const target = device.createTexture({ size: [SIZE, SIZE], format,
    usage: GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC });
  const many = samples > 1 ? device.createTexture({ size: [SIZE, SIZE], format,
    sampleCount: samples, usage: GPUTextureUsage.RENDER_ATTACHMENT }) : null;
  const pipeline = device.createRenderPipeline({
    layout: 'auto', vertex: { module },
    fragment: { module, targets: [{ format, ...(blend ? { blend } : {}) }] },
    primitive, multisample: { count: samples },
    ...(depth ? { depthStencil: { format: 'depth24plus', depthWriteEnabled: true,
      depthCompare: 'less' } } : {}) });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view: (many ?? target).createView(), clearValue: [0, 0, 0, 1],
      loadOp: 'clear', storeOp: 'store', ...(many ? { resolveTarget: target.createView() } : {}) }],
    ...(depth ? { depthStencilAttachment: { view: device.createTexture({ size: [SIZE, SIZE],
      format: 'depth24plus', sampleCount: samples,
      usage: GPUTextureUsage.RENDER_ATTACHMENT }).createView(),
      depthClearValue: 1, depthLoadOp: 'clear', depthStoreOp: 'discard' } } : {}) });
  pass.setPipeline(pipeline);
  setup?.(pass, pipeline);
  pass.draw(vertices, instances);
  pass.end();
  const out = device.createBuffer({ size: SIZE * SIZE * 4,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  encoder.copyTextureToBuffer({ texture: target }, { buffer: out, bytesPerRow: SIZE * 4 },
    [SIZE, SIZE]);
  device.queue.submit([encoder.finish()]);
  return read(out, Uint8Array);
}

const TRIANGLE = `
@vertex fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(array(vec2f(-1, -1), vec2f(1, -1), vec2f(-1, 1))[i], 0.5, 1);
}`;
const WHITE = '@fragment fn fragment() -> @location(0) vec4f { return vec4f(1); }';

const cases = {
  async compute() {
    const data = buffer(Uint32Array.from({ length: 1000 }, (_, i) => i), STORAGE);
    dispatch(`@group(0) @binding(0) var<storage, read_write> data: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&data)) { data[id.x] = data[id.x] * data[id.x] + 7u; }
      }`, [data], 16);
    (await read(data, Uint32Array)).forEach((value, i) => expect(value, i * i + 7, `element ${i}`));
  },

  async workgroup_memory() {
    const sums = buffer(new Uint32Array(8), STORAGE);
    dispatch(`@group(0) @binding(0) var<storage, read_write> sums: array<u32>;
      var<workgroup> part: array<u32, 128>;
      @compute @workgroup_size(128) fn main(@builtin(local_invocation_index) l: u32,
          @builtin(workgroup_id) group: vec3u) {
        part[l] = l + group.x;
        for (var step = 64u; step > 0u; step /= 2u) {
          workgroupBarrier();
          if (l < step) { part[l] += part[l + step]; }
        }
        if (l == 0u) { sums[group.x] = part[0]; }
      }`, [sums], 8);
    (await read(sums, Uint32Array)).forEach((v, i) => expect(v, 128 * 127 / 2 + 128 * i, `sum ${i}`));
  },

  async atomics() {
    const counts = buffer(new Uint32Array(4), STORAGE);
    dispatch(`@group(0) @binding(0) var<storage, read_write> counts: array<atomic<u32>, 4>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        atomicAdd(&counts[id.x & 1u], 1u);
        atomicMax(&counts[2], id.x);
        atomicXor(&counts[3], id.x);
      }`, [counts], 16);
    expect((await read(counts, Uint32Array)).join(), '512,512,1023,0', 'counters');
  },

  async indirect_dispatch() {
    const data = buffer(new Uint32Array(6), STORAGE);
    const groups = buffer(new Uint32Array([3, 1, 1]), GPUBufferUsage.INDIRECT);
    dispatch(`@group(0) @binding(0) var<storage, read_write> data: array<u32>;
      @compute @workgroup_size(2) fn main(@builtin(global_invocation_id) id: vec3u) {
        data[id.x] = id.x + 1u;
      }`, [data], groups);
    expect((await read(data, Uint32Array)).join(), '1,2,3,4,5,6', 'what was written');
  },

  async f16() {
    const data = buffer(new Float32Array(64), STORAGE);
    dispatch(`enable f16;
      @group(0) @binding(0) var<storage, read_write> data: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        let x = f16(id.x) * 0.25h;
        let v = vec4<f16>(x, x + 1h, 0.1h, 2048h + x);
        data[id.x] = f32(dot(v.xy, v.yx)) + f32(v.z) + f32(v.w);
      }`, [data], 1);
    const f16 = new Float32Array(await read(data, Float32Array));
    const tenth = 0.0999755859375;  // 0.1 in half precision
    for (let i = 0; i < 64; i += 4) {  // whole numbers, so that 2048 + x is exact or ties to even
      const x = i / 4, sum = 2048 + x;
      const rounded = sum % 2 ? (sum % 4 === 1 ? sum - 1 : sum + 1) : sum;
      near(f16[i], 2 * x * (x + 1) + tenth + rounded, 0.01, `element ${i}`);
    }
  },

  async subgroups() {
    const data = buffer(new Uint32Array(256), STORAGE);
    dispatch(`enable subgroups;
      @group(0) @binding(0) var<storage, read_write> data: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u,
          @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
        data[id.x] = subgroupAdd(1u) - size;
        data[64u + id.x] = subgroupExclusiveAdd(1u) - lane;
        data[128u + id.x] = subgroupBroadcastFirst(id.x) + lane - id.x;
        data[192u + id.x] = subgroupShuffleXor(id.x, 1u) ^ id.x;
      }`, [data], 1);
    const found = await read(data, Uint32Array);
    found.forEach((value, i) => expect(value, i < 192 ? 0 : 1, `element ${i}`));
  },

  async timestamps() {
    const set = device.createQuerySet({ type: 'timestamp', count: 2 });
    const times = device.createBuffer({ size: 16,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    const data = buffer(new Uint32Array(1024), STORAGE);
    const before = process.hrtime.bigint();
    dispatch(`@group(0) @binding(0) var<storage, read_write> data: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        for (var i = 0u; i < 10000u; i++) { data[id.x] = data[id.x] * 3u + i; }
      }`, [data], 16, { timestampWrites: { querySet: set, beginningOfPassWriteIndex: 0,
      endOfPassWriteIndex: 1 } });
    const encoder = device.createCommandEncoder();
    encoder.resolveQuerySet(set, 0, 2, times, 0);
    device.queue.submit([encoder.finish()]);
    const [begin, end] = await read(times, BigUint64Array);
    const elapsed = process.hrtime.bigint() - before;
    if (!(end > begin && end - begin < elapsed)) {
      throw new Error(`${end - begin} ns within ${elapsed} ns of the program`);
    }
  },

  async triangle() {
    const picture = await draw({ code: TRIANGLE + WHITE });
    let lit = 0;
    for (let i = 0; i < SIZE * SIZE; ++i) lit += picture[4 * i] === 255;
    expect(lit, SIZE * (SIZE - 1) / 2, 'lit pixels');  // centres on the long edge are outside
  },

  async msaa() {
    const one = await draw({ code: TRIANGLE + WHITE });
    const four = await draw({ code: TRIANGLE + WHITE, samples: 4 });
    const greys = new Set();
    for (let i = 0; i < SIZE * SIZE; ++i) {
      if (four[4 * i] !== 0 && four[4 * i] !== 255) greys.add(four[4 * i]);
      else expect(four[4 * i], one[4 * i], `pixel ${i} off the edge`);
    }
    if (!greys.size) throw new Error('the edge is not smoothed');
    for (const grey of greys) near(grey, Math.round(grey / 255 * 4) * 255 / 4, 1, 'quarter');
  },

  async depth_and_instances() {
    const picture = await draw({ depth: true, instances: 3, code: `
      struct Out { @builtin(position) at: vec4f, @location(0) @interpolate(flat) n: u32 }
      @vertex fn vertex(@builtin(vertex_index) i: u32, @builtin(instance_index) n: u32) -> Out {
        let z = array(0.5, 0.2, 0.8)[n];
        return Out(vec4f(array(vec2f(-1, -3), vec2f(3, 1), vec2f(-1, 1))[i], z, 1), n);
      }
      @fragment fn fragment(in: Out) -> @location(0) vec4f {
        return vec4f(f32(in.n == 0), f32(in.n == 1), f32(in.n == 2), 1);
      }` });
    for (let i = 0; i < SIZE * SIZE; ++i) {
      expect([...picture.slice(4 * i, 4 * i + 3)].join(), '0,255,0', `pixel ${i}`);
    }
  },

  async blending() {
    const picture = await draw({ instances: 2, blend: {
      color: { srcFactor: 'src-alpha', dstFactor: 'one-minus-src-alpha' },
      alpha: { srcFactor: 'one', dstFactor: 'zero' } }, code: `
      @vertex fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
        return vec4f(array(vec2f(-1, -3), vec2f(3, 1), vec2f(-1, 1))[i], 0, 1);
      }
      @fragment fn fragment() -> @location(0) vec4f { return vec4f(1, 0.5, 0, 0.5); }` });
    for (let i = 0; i < SIZE * SIZE; ++i) {
      near(picture[4 * i], 191, 1, `red of ${i}`);
      near(picture[4 * i + 1], 96, 1, `green of ${i}`);
    }
  },

  async textures() {
    const texels = new Uint8Array(8 * 8 * 4);
    for (let i = 0; i < 64; ++i) texels.set([(i % 8) * 32, (i >> 3) * 32, 128, 255], 4 * i);
    const texture = device.createTexture({ size: [8, 8], format: 'rgba8unorm',
      usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST });
    device.queue.writeTexture({ texture }, texels, { bytesPerRow: 32 }, [8, 8]);
    const sampler = device.createSampler({ magFilter: 'linear', minFilter: 'linear' });
    const picture = await draw({ code: `
      @group(0) @binding(0) var image: texture_2d<f32>;
      @group(0) @binding(1) var smooth_: sampler;
      struct Out { @builtin(position) at: vec4f, @location(0) uv: vec2f }
      @vertex fn vertex(@builtin(vertex_index) i: u32) -> Out {
        let at = array(vec2f(-1, 1), vec2f(3, 1), vec2f(-1, -3))[i];
        return Out(vec4f(at, 0, 1), vec2f(at.x + 1, 1 - at.y) / 2);
      }
      @fragment fn fragment(in: Out) -> @location(0) vec4f {
        return textureSample(image, smooth_, in.uv);
      }`, setup: (pass, pipeline) => pass.setBindGroup(0, device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [{ binding: 0, resource: texture.createView() },
                  { binding: 1, resource: sampler }] })) });
    for (let y = 4; y < 60; ++y) {
      for (let x = 4; x < 60; ++x) {
        near(picture[4 * (64 * y + x)], ((x + 0.5) / 8 - 0.5) * 32, 2, `red at ${x}, ${y}`);
        near(picture[4 * (64 * y + x) + 1], ((y + 0.5) / 8 - 0.5) * 32, 2, `green at ${x}, ${y}`);
      }
    }
    if (process.argv[3]) {
      const rgb = Buffer.from(picture.filter((_, i) => i % 4 !== 3));
      fs.writeFileSync(process.argv[3], Buffer.concat([Buffer.from(`P6 ${SIZE} ${SIZE} 255\n`), rgb]));
    }
  },

  async storage_texture() {
    const texture = device.createTexture({ size: [SIZE, SIZE], format: 'r32uint',
      usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_SRC });
    const module = device.createShaderModule({ code: `
      @group(0) @binding(0) var image: texture_storage_2d<r32uint, read_write>;
      @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
        let before = textureLoad(image, id.xy).x;
        textureStore(image, id.xy, vec4u(before + id.x * 1000u + id.y, 0, 0, 0));
      }` });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
    const out = device.createBuffer({ size: SIZE * SIZE * 4, usage: STORAGE | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: texture.createView() }] }));
    pass.dispatchWorkgroups(SIZE / 8, SIZE / 8);
    pass.dispatchWorkgroups(SIZE / 8, SIZE / 8);
    pass.end();
    encoder.copyTextureToBuffer({ texture }, { buffer: out, bytesPerRow: SIZE * 4 }, [SIZE, SIZE]);
    device.queue.submit([encoder.finish()]);
    (await read(out, Uint32Array)).forEach((value, i) =>
      expect(value, 2 * ((i % SIZE) * 1000 + Math.floor(i / SIZE)), `texel ${i}`));
  },

  async validation_is_quiet_about_us_and_loud_about_errors() {
    device.pushErrorScope('validation');
    device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    if (!await device.popErrorScope()) throw new Error('a forbidden usage was accepted');
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    for (const kind of ['validation', 'out-of-memory', 'internal']) device.pushErrorScope(kind);
    await run();
    for (let i = 0; i < 3; ++i) {
      const error = await device.popErrorScope();
      if (error) throw new Error(error.message);
    }
    if (lost.length) throw new Error(`device lost: ${lost}`);
    console.log(`ok ${name}`);
  } catch (error) {
    ++failed;
    console.log(`not ok ${name}: ${error.message}`);
  }
}
console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`);
device.destroy();
process.exit(failed ? 1 : 0);
