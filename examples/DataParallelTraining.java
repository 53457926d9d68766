import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;

import dev.lockstep.device.DeviceCollectives;
import dev.lockstep.world.Block;
import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * Data-parallel training: every rank computes the gradients of its part of the batch, allReduce averages them where they
 * are, on GPUs by NCCL, and all ranks take the same step. Any number of ranks that divides the batch gives the same curve.
 *
 * <pre>
 * launch/mpjrun.sh -np 4 examples/DataParallelTraining.java [HIDDEN BATCH STEPS]
 * </pre>
 */
public class DataParallelTraining {
    private static final float RATE = 0.05f;

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            String[] sizes = world.args().length == 3 ? world.args() : new String[]{"32", "64", "200"};
            int hidden = Integer.parseInt(sizes[0]);
            int batch = Integer.parseInt(sizes[1]);
            int steps = Integer.parseInt(sizes[2]);
            // DJL unpacks libtorch at its first use: one rank of each host does, the others find it there.
            Engine engine = world.localRootFirst(() -> Engine.getEngine("PyTorch"));
            engine.setRandomSeed(1);
            Device on = world.device().equals("cuda") ? Device.gpu() : Device.cpu();
            try (NDManager manager = engine.newBaseManager(on)) {
                DeviceCollectives device = DeviceCollectives.of(world, on);
                NDList weights = new NDList(manager.randomNormal(new Shape(2, hidden)),
                        manager.randomNormal(new Shape(hidden, hidden)).div(Math.sqrt(hidden)),
                        manager.randomNormal(new Shape(hidden, 1)).div(hidden));
                weights.forEach(weight -> weight.setRequiresGradient(true));
                long begin = 0;
                for (int step = 0; step < steps; step++) {
                    if (step == steps / 10) {
                        begin = System.nanoTime(); // warm
                    }
                    try (NDManager scratch = manager.newSubManager()) {
                        NDArray all = scratch.randomUniform(-1, 1, new Shape(batch, 2)); // the same on every rank
                        Block mine = world.split(batch);
                        float loss = train(engine, device, weights, all.get(mine.start() + ":" + mine.end()));
                        if (step % Math.max(1, steps / 10) == 0) {
                            world.printf("step %d loss %.6f%n", step, loss);
                        }
                    }
                }
                if (world.isRoot()) {
                    world.status(
                            String.format("%.2f ms a step", (System.nanoTime() - begin) / 1e6 / (steps - steps / 10)));
                }
            }
        }
    }

    /** Learns to add two numbers; the mean loss of all ranks is averaged with the gradients. */
    private static float train(Engine engine, DeviceCollectives device, NDList weights, NDArray x) {
        NDList mine = new NDList();
        try (GradientCollector collector = engine.newGradientCollector()) {
            NDArray layer = x.matMul(weights.get(0)).tanh().matMul(weights.get(1)).tanh();
            NDArray loss = layer.matMul(weights.get(2)).sub(x.sum(new int[]{1}, true)).square().mean();
            collector.backward(loss);
            mine.add(loss);
        }
        weights.forEach(weight -> mine.add(weight.getGradient()));
        NDList mean = device.allReduce(mine, Op.AVG);
        for (int i = 0; i < weights.size(); i++) {
            weights.get(i).subi(mean.get(i + 1).muli(RATE));
            mine.get(i + 1).subi(mine.get(i + 1)); // PyTorch adds the next one to it
        }
        float loss = mean.get(0).getFloat();
        mine.close();
        mean.close();
        return loss;
    }
}
