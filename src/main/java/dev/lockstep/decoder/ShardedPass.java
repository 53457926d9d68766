package dev.lockstep.decoder;

import java.util.List;

import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.torch.ScalarType;

/**
 * Prompts and steps by the program where several ranks compute the model together: {@code shards.torchscript} stops wherever
 * their terms are to be added up. On CPU, and on a GPU what kernels of our own do not take.
 */
final class ShardedPass implements ForwardStep {
    private final DecoderProgram program;
    private final Replica replica;
    private final boolean normsAllHeads;
    private final int layers;
    private final int hidden;
    private final int vocabulary;
    private long logits;

    ShardedPass(DecoderProgram program, Replica replica, Shard shard) {
        this.program = program;
        this.replica = replica;
        this.normsAllHeads = shard.whole().norms().qk() == QkNorm.ALL_HEADS;
        this.layers = shard.whole().layers();
        this.hidden = shard.whole().hidden();
        this.vocabulary = shard.whole().vocabulary();
    }

    /** {@link DecoderProgram#prefill}. */
    void prefill(List<Admission> rows, int complete) {
        int tokens = Admission.brought(rows);
        pass(tokens, program.shardPacked(rows));
        long first = program.shardFirstLogits(complete);
        int logitRows = complete + Admission.scoredHere(rows);
        if (logitRows > 0) {
            replica.sum(first, (long) logitRows * vocabulary, ScalarType.FLOAT32);
        }
    }

    @Override
    public void allocate(DecoderAllocation size) {
        logits = program.stateAddress("logits", ScalarType.FLOAT32);
    }

    @Override
    public void run(int rows, int longest) {
        pass(rows, program.shardStep(rows, longest));
        program.shardStepLogits();
        replica.sum(logits, (long) rows * vocabulary, ScalarType.FLOAT32);
    }

    /** @param embedding the address of its terms */
    private void pass(int tokens, long embedding) {
        long values = (long) tokens * hidden;
        replica.sum(embedding, values, ScalarType.FLOAT32);
        for (int layer = 0; layer < layers; layer++) {
            replica.sum(attention(layer, tokens), values, ScalarType.FLOAT32);
            replica.sum(program.shardMlp(layer), values, ScalarType.FLOAT32);
        }
    }

    private long attention(int layer, int tokens) {
        if (!normsAllHeads) {
            return program.shardAttention(layer);
        }
        replica.sum(program.shardSquares(layer, replica.size()), 2L * tokens, ScalarType.FLOAT32);
        return program.shardAttentionNormed(layer);
    }

    @Override
    public int variant(int rows, int longest) {
        return 0;
    }

    @Override
    public boolean isRecordable() {
        return false; // its masks are as wide as the longest row
    }

    @Override
    public void close() {
        // the program is its owner's
    }
}
