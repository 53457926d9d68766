package dev.lockstep.decoder;

import dev.lockstep.checkpoint.QuantizedWeight;
import dev.lockstep.checkpoint.StoredType;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.decoder.shard.Cut;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.TorchScriptProgram;

/**
 * How the decoder's program gets its weights: the methods of {@code weights.torchscript} with the types that they take and
 * give. The stored tensors of a weight are staged in turn and then kept as one.
 */
final class ProgramWeights {
    private final TorchScriptProgram program;

    ProgramWeights(TorchScriptProgram program) {
        this.program = program;
    }

    /** From now on weights are copied anyway, so that they may be packed. */
    void pack() {
        program.integer("pack");
    }

    /** Reads one stored tensor, mapped into memory. */
    void stage(TensorRef tensor) {
        program.integer("stage", tensor.file().toString(), tensor.file().toFile().length(), tensor.offset(),
                DecoderProgram.longs(tensor.shape()), storedType(tensor.type()), tensor.type().bytes());
    }

    /**
     * Makes numbers of the tensors that were staged of a weight in fewer bits.
     *
     * @param wide float32, whatever they are kept in
     */
    void dequantize(QuantizedWeight weight, boolean wide) {
        program.integer("dequantize", weight.layout().name(), weight.shape()[0], weight.shape()[1], weight.bits(),
                weight.blockRows(), weight.blockColumns(), weight.zeros() != null, weight.zeroLessOne(),
                weight.order() != null, wide);
    }

    /** Adds the product of the last two tensors that were staged to the one before them. */
    void addProduct(double scaling) {
        program.integer("add_product", scaling);
    }

    /**
     * Leaves of the last tensor that was staged what this rank has of it.
     *
     * @param fp8     {@link #takeFp8} has left it
     * @param int4    {@link #takeInt4} has
     * @param experts that a layer has, in tensors of all of them
     */
    void cut(Cut cut, boolean fp8, boolean int4, int experts) {
        switch (cut.kind()) {
            case ROWS -> program.integer("cut", 0, cut.starts(), cut.ends(), fp8, int4);
            case COLUMNS -> program.integer("cut", 1, cut.starts(), cut.ends(), fp8, int4);
            case EXPERT_ROWS -> program.integer("cut_experts", experts, 1, cut.starts(), cut.ends());
            case EXPERT_COLUMNS -> program.integer("cut_experts", experts, 2, cut.starts(), cut.ends());
            case ZEROS -> program.integer("blank");
            case WHOLE -> {
                // it stays
            }
        }
    }

    /** The tensors that were staged of a weight in fp8 by row are for products in fp8. */
    void takeFp8(QuantizedWeight weight) {
        program.integer("take_fp8", weight.shape()[0]);
    }

    /**
     * The tensors that were staged of a weight in 4 bits, whose columns are in order, are to stay in 4 bits.
     *
     * @param factor they are multiplied by it
     */
    void takeInt4(QuantizedWeight weight, double factor) {
        program.integer("take_int4", weight.layout().name(), weight.shape()[0], weight.shape()[1],
                weight.blockColumns(), weight.zeros() != null, weight.zeroLessOne(), weight.order() != null, factor);
    }

    /**
     * The tensors that were staged of experts' weights in e2m1 are to stay as they are.
     *
     * @return their largest scale, by its exponent and 127
     */
    long takeMxfp4(QuantizedWeight weight) {
        return program.integer("take_mxfp4", weight.shape()[0], weight.shape()[1]);
    }

    /** Makes random experts' weights of this standard deviation, as {@link #takeMxfp4} leaves them. */
    void stageRandomMxfp4(int[] shape, double deviation) {
        program.integer("stage_random_mxfp4", shape[0] * shape[1], shape[2], deviation);
    }

    /**
     * Rows of the last tensor that was staged change their places, so that of each head's dimensions those turn together that
     * are of one place in either half.
     *
     * @param width of the dimensions that turn
     * @param fp8   {@link #takeFp8} has left it
     * @param int4  {@link #takeInt4} has
     */
    void unweave(int headDim, int width, boolean fp8, boolean int4) {
        program.integer("unweave", headDim, width, fp8, int4);
    }

    /** The last tensor that was staged is [in, out]. */
    void transpose() {
        program.integer("transpose");
    }

    /** The last tensor that was staged has, for each of so many experts, rows of gate and of up by turns. */
    void unturn(int experts) {
        program.integer("unturn", experts);
    }

    /** The last tensor that was staged has queries, key and value of so many groups, one group after the other. */
    void apart(int groups, int headDim) {
        program.integer("apart", groups, headDim);
    }

    /** The last tensor that was staged becomes one of one dimension. */
    void flatten() {
        program.integer("flatten");
    }

    /**
     * Multiplies the last tensor that was staged.
     *
     * @param fp8 {@link #takeFp8} has left it
     */
    void multiply(double factor, boolean fp8) {
        program.integer("multiply", factor, fp8);
    }

    /** Makes room for a stored tensor on a GPU, where others fill it. */
    long reserve(TensorRef tensor) {
        ScalarType type = storedType(tensor.type());
        return program.address(type, "reserve", DecoderProgram.longs(tensor.shape()), type);
    }

    /** The first so many of those that were reserved are filled, and staged. */
    void arrive(int count) {
        program.integer("arrive", count);
    }

    /** Makes a tensor of random numbers of this standard deviation. */
    void stageRandom(int[] shape, double deviation) {
        program.integer("stage_random", DecoderProgram.longs(shape), deviation);
    }

    /** The same in 4 bits, as {@link #takeInt4} leaves it. */
    void stageRandomInt4(int[] shape, double deviation) {
        program.integer("stage_random_int4", shape[0], shape[1], deviation);
    }

    /** What was staged since becomes the weight of this name, of the next layer. */
    void keep(String name) {
        program.integer("keep", name);
    }

    /** The same of what {@link #takeInt4} has left. */
    void keepInt4(String name) {
        program.integer("keep_int4", name);
    }

    /** The output weights are the embedding's. */
    void tie() {
        program.integer("tie");
    }

    /** As what stored tensors are read: fp8 as bytes, since little can be done with it. */
    private static ScalarType storedType(StoredType type) {
        return switch (type) {
            case F32 -> ScalarType.FLOAT32;
            case BF16 -> ScalarType.BFLOAT16;
            case F16 -> ScalarType.FLOAT16;
            case F8_E4M3 -> ScalarType.UINT8;
            case I8 -> ScalarType.INT8;
            case U8 -> ScalarType.UINT8;
            case I32 -> ScalarType.INT32;
        };
    }
}
