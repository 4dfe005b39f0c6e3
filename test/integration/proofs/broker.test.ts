import * as broker from '../../proofs/broker.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(broker);
