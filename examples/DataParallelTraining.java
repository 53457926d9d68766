import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;

import dev.lockstep.device.DeviceCollectives;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Data-parallel training: every rank computes the gradients of its part of the batch, allReduce averages them where they
 * are, on GPUs by NCCL, and all ranks take the same step. Any number of ranks that divides the batch gives the same curve.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/DataParallelTraining.java
 * </pre>
 */
public class DataParallelTraining {
    public static void main(String[] args) {
        try (World world = World.init(args)) {
            // DJL unpacks libtorch at its first use: one rank of each host does, the others find it there.
            Engine engine = world.localRootFirst(() -> Engine.getEngine("PyTorch"));
            engine.setRandomSeed(1);
            Device on = world.device().equals("cuda") ? Device.gpu() : Device.cpu();
            try (NDManager manager = engine.newBaseManager(on)) {
                DeviceCollectives device = DeviceCollectives.of(world, on);
                NDList weights = new NDList(manager.randomNormal(new Shape(2, 32)),
                        manager.randomNormal(new Shape(32, 32)).div(Math.sqrt(32)),
                        manager.randomNormal(new Shape(32, 1)).div(32));
                weights.forEach(weight -> weight.setRequiresGradient(true));
                String mine = world.split(64).start() + ":" + world.split(64).end();
                for (int step = 0; step < 200; step++) {
                    NDArray batch = manager.randomUniform(-1, 1, new Shape(64, 2)); // the same on every rank
                    NDArray x = batch.get(mine); // learns to add
                    NDList values = new NDList();
                    try (GradientCollector collector = engine.newGradientCollector()) {
                        NDArray layer = x.matMul(weights.get(0)).tanh().matMul(weights.get(1)).tanh();
                        values.add(layer.matMul(weights.get(2)).sub(x.sum(new int[]{1}, true)).square().mean());
                        collector.backward(values.get(0));
                    }
                    weights.forEach(weight -> values.add(weight.getGradient()));
                    try (NDList mean = device.allReduce(values, Op.AVG)) {
                        for (int i = 0; i < weights.size(); i++) {
                            weights.get(i).subi(mean.get(i + 1).muli(0.05));
                            values.get(i + 1).subi(values.get(i + 1)); // PyTorch adds the next one to it
                        }
                        if (step % 20 == 0) {
                            world.printf("step %d loss %.6f%n", step, mean.get(0).getFloat());
                        }
                    }
                }
            }
        }
    }
}
