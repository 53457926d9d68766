package dev.lockstep.device;

import java.util.Locale;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;

import dev.lockstep.world.Op;
import dev.lockstep.world.World;

/**
 * How long a step of data-parallel training takes, by ranks on GPUs that share a batch: a perceptron of 8 layers of 4,096,
 * float32, 537 MB of gradients. One rank and two print the same loss.
 *
 * <pre>
 * launch/mpjrun.sh -np 2 -cp target/test-classes dev.lockstep.device.TrainingProgram [rows of a batch]
 * </pre>
 */
public final class TrainingProgram {
    private static final int LAYERS = 8;
    private static final int WIDTH = 4096;
    private static final int STEPS = 30;
    private static final int WARM = 10;

    private TrainingProgram() {}

    public static void main(String[] args) {
        try (World world = World.init(args)) {
            int rows = args.length == 0 ? 16_384 : Integer.parseInt(args[0]);
            Engine engine = world.localRootFirst(() -> Engine.getEngine("PyTorch"));
            engine.setRandomSeed(1);
            Device on = world.device().equals("cuda") ? Device.gpu() : Device.cpu();
            try (NDManager manager = engine.newBaseManager(on)) {
                DeviceCollectives device = DeviceCollectives.of(world, on);
                NDList weights = new NDList();
                for (int i = 0; i < LAYERS; i++) {
                    weights.add(manager.randomNormal(new Shape(WIDTH, WIDTH)).muli(1 / Math.sqrt(WIDTH)));
                    weights.get(i).setRequiresGradient(true);
                }
                String mine = world.split(rows).start() + ":" + world.split(rows).end();
                long begin = 0;
                for (int step = 0; step < STEPS; step++) {
                    if (step == WARM) {
                        world.barrier();
                        begin = System.nanoTime();
                    }
                    float loss = step(engine, manager, device, weights, rows, mine);
                    if (world.isRoot() && step % WARM == 0) {
                        System.out.printf(Locale.ROOT, "step %d loss %.6f%n", step, loss);
                    }
                }
                world.barrier();
                if (world.isRoot()) {
                    System.out.printf(Locale.ROOT, "%d ranks, %d rows: %.2f ms a step%n", world.size(), rows,
                            (System.nanoTime() - begin) / 1e6 / (STEPS - WARM));
                }
            }
        }
    }

    private static float step(Engine engine, NDManager manager, DeviceCollectives device, NDList weights, int rows,
            String mine) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray x = scope.randomUniform(-1, 1, new Shape(rows, WIDTH)).get(mine); // the same on every rank
            NDList values = new NDList();
            try (GradientCollector collector = engine.newGradientCollector()) {
                NDArray layer = x;
                for (NDArray weight : weights) {
                    layer = layer.matMul(weight).tanh();
                }
                values.add(layer.sub(x).square().mean());
                collector.backward(values.get(0));
            }
            weights.forEach(weight -> values.add(weight.getGradient()));
            try (NDList mean = device.allReduce(values, Op.AVG)) {
                for (int i = 0; i < weights.size(); i++) {
                    weights.get(i).subi(mean.get(i + 1).muli(0.5));
                    values.get(i + 1).subi(values.get(i + 1)); // PyTorch adds the next one to it
                    values.get(i + 1).close();
                }
                return mean.get(0).getFloat();
            }
        }
    }
}
