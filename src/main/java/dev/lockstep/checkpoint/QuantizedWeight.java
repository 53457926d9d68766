package dev.lockstep.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.model.ModelException;

/**
 * Where the weight of a linear layer, [out, in], lies that is stored in fewer bits. An element is
 * {@code (value - zero) * scale}, with a zero and a scale for each block of {@code blockRows * blockColumns}.
 *
 * @param layout       how values, scales and zeros lie
 * @param bits         of a value
 * @param blockRows    so many rows share a scale, at least 1
 * @param blockColumns so many columns share a scale, at least 1
 * @param zeroLessOne  zeros are stored less one
 * @param shape        [out, in]; not to be written to
 * @param values       the values
 * @param scales       F32, BF16 or F16, of MXFP4 U8
 * @param zeros        zero points, packed as values are; null where the zero is the middle of the values' range
 * @param order        [in], I32: which block of columns each column belongs to; null where that is in order, as it is
 *                     too where one of these is below 0
 */
public record QuantizedWeight(Layout layout, int bits, int blockRows, int blockColumns, boolean zeroLessOne,
        int[] shape, TensorRef values, TensorRef scales, @Nullable TensorRef zeros, @Nullable TensorRef order) {

    /** How values, scales and zeros lie. Where values are packed, the lowest bits of a word of 32 are the first. */
    public enum Layout {
        /** F8_E4M3 [out, in]; scales by blocks of rows and of columns. */
        FP8,
        /** I8 [out, in]; scales likewise. */
        INT8,
        /** compressed-tensors: values along rows [out, in / n], scales [out, groups], zeros along columns. */
        PACKED_ROWS,
        /** Values along columns [in / n, out], scales [groups, out], zeros [groups, out / n]. */
        GPTQ,
        /**
         * Of all of a layer's experts: U8 [experts, out, in / 32, 16] with two values of e2m1 in each byte, the lower bits
         * first; scales U8 [experts, out, in / 32], which are powers of 2, by their exponent and 127.
         */
        MXFP4,
        /** [in, out / 8], of each 8 values first those with even numbers; scales and zeros as GPTQ's, in that order. */
        AWQ
    }

    /** Whether it is in fp8 with one scale for each row, or for all of them, as products in fp8 take it. */
    public boolean isFp8ByRow() {
        return layout == Layout.FP8 && blockColumns >= shape[1] && (blockRows == 1 || blockRows >= shape[0]);
    }

    /** Whether it is of experts in e2m1. */
    public boolean isMxfp4() {
        return layout == Layout.MXFP4;
    }

    /** Whether it is in 4 bits, with blocks that are parts of one row. */
    public boolean isInt4() {
        return bits == 4 && blockRows == 1 && layout != Layout.MXFP4;
    }

    /**
     * Whether columns belong to blocks in their order, for which {@link #order} is read.
     *
     * @throws ModelException when it cannot be
     */
    public boolean isInOrder() {
        TensorRef given = order;
        if (given == null) {
            return true;
        }
        ByteBuffer blocks = ByteBuffer.allocate(Math.toIntExact(given.bytes())).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel file = FileChannel.open(given.file())) {
            while (blocks.hasRemaining()) {
                if (file.read(blocks, given.offset() + blocks.position()) < 0) {
                    throw new EOFException("it is too short");
                }
            }
        } catch (IOException e) {
            throw new ModelException(given.file() + ": tensor " + given.name() + " cannot be read: " + e.getMessage(),
                    e);
        }
        blocks.flip();
        boolean inOrder = true;
        for (int column = 0; blocks.hasRemaining(); column++) {
            int block = blocks.getInt();
            if (block < 0) {
                return true;
            }
            inOrder &= block == column / blockColumns;
        }
        return inOrder;
    }

    /** All that is stored of it. */
    public List<TensorRef> tensors() {
        return Stream.of(values, scales, zeros, order).filter(Objects::nonNull).toList();
    }
}
