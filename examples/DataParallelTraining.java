import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;

import dev.lockstep.world.Block;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Data-parallel training: every rank computes the gradients of its part of the batch, allReduce averages them, and all
 * ranks take the same step. Any number of ranks that divides the batch gives the same curve.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/DataParallelTraining.java
 * </pre>
 */
public class DataParallelTraining {
    private static final int BATCH = 64;
    private static final int HIDDEN = 32;
    private static final float RATE = 0.05f;

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            // DJL unpacks libtorch at its first use: one rank of each host does, the others find it there.
            Engine engine = world.localRootFirst(() -> Engine.getEngine("PyTorch"));
            engine.setRandomSeed(1);
            try (NDManager manager = engine.newBaseManager()) {
                NDArray[] weights = {manager.randomNormal(new Shape(2, HIDDEN)),
                        manager.randomNormal(new Shape(HIDDEN, 1)).div(HIDDEN)};
                for (NDArray weight : weights) {
                    weight.setRequiresGradient(true);
                }
                for (int step = 0; step < 200; step++) {
                    NDArray batch = manager.randomUniform(-1, 1, new Shape(BATCH, 2)); // the same on every rank
                    Block mine = world.split(BATCH);
                    NDArray x = batch.get(mine.start() + ":" + mine.end());
                    NDArray wanted = x.sum(new int[]{1}, true); // learns to add
                    float[] loss;
                    try (GradientCollector collector = engine.newGradientCollector()) {
                        NDArray error = x.matMul(weights[0]).tanh().matMul(weights[1]).sub(wanted).square().mean();
                        collector.backward(error);
                        loss = world.floats().allReduce(error.toFloatArray(), Op.SUM);
                    }
                    for (NDArray weight : weights) {
                        NDArray gradient = weight.getGradient();
                        float[] sum = world.floats().allReduce(gradient.toFloatArray(), Op.SUM);
                        gradient.subi(gradient); // PyTorch adds the next one to it
                        weight.subi(manager.create(sum, weight.getShape()).mul(RATE / world.size()));
                    }
                    if (step % 20 == 0) {
                        world.printf("step %d loss %.6f%n", step, loss[0] / world.size());
                    }
                }
            }
        }
    }
}
