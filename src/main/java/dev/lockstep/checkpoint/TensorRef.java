package dev.lockstep.checkpoint;

import java.nio.file.Path;

/**
 * Where one tensor lies on disk, row-major and little-endian.
 *
 * @param name   Hugging Face's name
 * @param file   the safetensors file
 * @param offset bytes from the start of the file; the format does not promise that it divides by the element size
 * @param bytes  length of the data, the product of the shape times the element size
 * @param type   element type
 * @param shape  sizes, outermost first; not to be written to
 */
public record TensorRef(String name, Path file, long offset, long bytes, StoredType type, int[] shape) {}
