package dev.lockstep.bench;

import java.util.List;

import dev.lockstep.decoder.Acceleration;
import dev.lockstep.generate.Request;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.torch.DeviceRates;

/**
 * What rows take at least, whatever computes them.
 *
 * @param operations multiplications and additions: of each token with all weights, of experts its own, and of attention
 * @param bytes      read from the device's memory: the weights once for each step, of which there are as many as the longest
 *                   row wants or as all rows fill, and keys and values of all tokens before for each new one
 */
record Floor(double operations, double bytes) {
    /**
     * @param common tokens that all prompts begin with, which are computed once
     * @param slots  rows of a step
     */
    static Floor of(ModelConfig shapes, DType type, Acceleration acceleration,
            List<Request> rows, int common, int slots) {
        double head = (double) shapes.vocabulary() * shapes.hidden();
        double weights = (double) BenchModel.weightBytes(shapes, DType.BFLOAT16, Acceleration.Weights.WIDE, 1)
                / DType.BFLOAT16.bytes() - head;
        double computed = common;
        double seenByPrompts = common * (common + 1) / 2.0;
        double seenBySteps = 0;
        double stepped = 0;
        int longest = 0;
        for (Request row : rows) {
            int prompt = row.promptIds().length;
            int more = row.params().maxNewTokens() - 1; // the first comes with the prompt
            computed += prompt - common;
            seenByPrompts += (double) (prompt - common) * (prompt + common + 1) / 2;
            seenBySteps += more * (prompt + (more + 1) / 2.0);
            stepped += more;
            longest = Math.max(longest, more);
        }
        double steps = Math.max(longest, stepped / slots);
        double operations = 2 * weights * (computed + stepped) + 2 * head * (rows.size() + stepped)
                + 4.0 * shapes.layers() * shapes.heads() * shapes.headDim() * (seenByPrompts + seenBySteps);
        return new Floor(operations,
                steps * BenchModel.weightBytes(shapes, type, acceleration.weights(), slots)
                        + seenBySteps * shapes.tokenBytes(type) / (acceleration.fp8Kv() ? type.bytes() : 1));
    }

    /** Seconds on a device that does both at once. */
    double seconds(DeviceRates rates) {
        return Math.max(operations / rates.operationsPerSecond(), bytes / rates.bytesPerSecond());
    }
}
